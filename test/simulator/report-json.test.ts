import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { renderJson } from '../../simulator/report/json.ts';
import { reportSchema } from '../../simulator/report/model.ts';
import { reportJsonSchema } from '../../simulator/report/schema.ts';
import { invalid, safe, unproven, unsafe } from './report-samples.ts';

const schemaFile = new URL('../../schemas/report.schema.json', import.meta.url);

describe('the report as JSON', () => {
  test('reads back as what was written', () => {
    const report = { cutover: 1 as const, plans: [safe, unsafe, unproven, invalid] };
    expect(reportSchema.parse(JSON.parse(renderJson(report)))).toEqual(report);
  });

  test('has a published schema that is current (UPDATE_SCHEMAS=1 rewrites it)', async () => {
    if (process.env.UPDATE_SCHEMAS === '1') await writeFile(schemaFile, reportJsonSchema());
    expect(await readFile(schemaFile, 'utf8')).toBe(reportJsonSchema());
  });
});
