/** The JSON Schema of what `renderJson` gives, as it is checked in. */
import { z } from 'zod';
import { reportSchema } from './model.ts';

export function reportJsonSchema(): string {
  const schema = z.toJSONSchema(reportSchema, { target: 'draft-7', io: 'output' });
  return `${JSON.stringify({ title: 'Cutover report', ...schema }, null, 2)}\n`;
}
