import { test } from 'vitest';
import { load, planWith } from './plan-helpers.ts';
test('perf', async () => {
  const cases: Record<string, string> = {
    reqs: planWith({ v1: Array.from({ length: 25000 }, (_, i) => `r${i}: SELECT id, email FROM users WHERE id = :id`).join('\n    ') }),
    badreqs: planWith({ v1: Array.from({ length: 25000 }, (_, i) => `r${i}: SELECT id, email FRMO users WHERE id = :id`).join('\n    ') }),
    bigschema: planWith({ schema: '|\n' + "    INSERT INTO t VALUES (1, 'é', 'xxxxxxxxxxxxxx');\n".repeat(35000) }),
    badschema: planWith({ schema: '|\n' + "    INSERT INTO t VALUES (1, 'é', 'xxxxxxxxxxxxxx');\n".repeat(35000) + '    SELECT FROM FROM' }),
    versions: planWith({ versions: Array.from({ length: 2000 }, (_, i) => `  w${i}: { extends: ${i ? 'w' + (i - 1) : 'v1'}, a${i}: SELECT 1 }`).join('\n') }),
    unknown: planWith({ steps: Array.from({ length: 30000 }, (_, i) => `  - depoly${i}: v1`).join('\n') }),
    braces: '{'.repeat(1_900_000), dashes: '- '.repeat(900_000), alias: 'a: &a 1\nb: [' + '*a,'.repeat(600_000) + ']', quote: "a: '" + "x ".repeat(900_000),
    keys: Array.from({length: 150000}, (_, i) => `k${i}: 1`).join('\n'),
  };
  for (const [name, text] of Object.entries(cases)) {
    const t = Date.now(); const r = await load(text); console.log(name, text.length, Date.now() - t, r.ok ? 'ok' : r.errors.length + ' ' + r.errors[0]?.code + ' ' + r.errors[0]?.message.slice(0, 100));
  }
}, 600000);
