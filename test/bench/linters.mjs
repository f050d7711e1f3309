/**
 * Cutover beside three linters, on the labelled migrations of test/migrations: `npm run bench:linters [-- --tools DIR]`.
 * The linters are no dependencies: they are installed into a temporary directory, or into DIR, where they stay. Prints
 * figures and every miss and false alarm; asserts nothing.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildAll } from '../../scripts/build.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const dist = join(root, 'dist');
const packages = ['squawk-cli@2.66.0', '@flvmnt/pgfence@0.1.5', '@postgres-language-server/cli@0.25.5'];

// What each rule of theirs means in ours, read generously: every hazard that its documentation speaks of. `queue` is for
// rules on lock_timeout, `style` for taste and for hygiene that is no hazard of the migration itself.
const queue = 'queue';
const style = 'style';
const unread = 'does not parse';
const scan = ['full-scan-under-lock', 'blocking-lock'];
const rewrite = ['table-rewrite', ...scan];
const gone = ['request-fails', 'wrong-answer', 'lost-write'];

const squawkRules = {
  'adding-field-with-default': rewrite,
  'adding-foreign-key-constraint': scan,
  'adding-not-nullable-field': [...scan, 'migrate-fails', 'request-fails'],
  'adding-required-field': ['migrate-fails', 'request-fails'],
  'adding-serial-primary-key-field': rewrite,
  'ban-alter-domain-with-add-constraint': scan,
  'ban-char-field': style,
  'ban-concurrent-index-creation-in-transaction': ['migrate-fails'],
  'ban-create-domain-with-constraint': style,
  'ban-drop-column': gone,
  'ban-drop-database': gone,
  'ban-drop-not-null': ['request-accepted', ...gone],
  'ban-drop-table': gone,
  'ban-truncate-cascade': gone,
  'ban-uncommitted-transaction': style,
  'changing-column-type': [...rewrite, ...gone, 'migrate-fails'],
  'constraint-missing-not-valid': [...scan, 'migrate-fails'],
  'disallowed-unique-constraint': [...scan, 'migrate-fails', 'request-fails'],
  'identifier-too-long': style,
  'prefer-bigint-over-int': style,
  'prefer-bigint-over-smallint': style,
  'prefer-identity': style,
  'prefer-repack': rewrite,
  'prefer-robust-stmts': [style, 'migration-not-atomic'],
  'prefer-text-field': style,
  'prefer-timestamp-tz': style,
  'prefer-timestamptz': style,
  'renaming-column': gone,
  'renaming-table': gone,
  'require-concurrent-index-creation': scan,
  'require-concurrent-index-deletion': ['blocking-lock', 'request-accepted', 'request-fails'],
  'require-concurrent-partition-detach': ['blocking-lock', ...gone],
  'require-concurrent-reindex': rewrite,
  'require-enum-value-ordering': style,
  'require-lock-timeout': queue,
  'require-statement-timeout': style,
  'require-timeout-settings': queue,
  'syntax-error': style,
  'transaction-nesting': style,
};

const pgfenceRules = {
  [unread]: style,
  'add-column-constant-default': rewrite,
  'add-column-json': ['request-fails', style],
  'add-column-non-constant-default': rewrite,
  'add-column-not-null-no-default': ['migrate-fails', 'request-fails'],
  'add-column-serial': rewrite,
  'add-column-stored-generated': rewrite,
  'add-constraint-check-no-not-valid': [...scan, 'migrate-fails', 'request-fails'],
  'add-constraint-exclude': scan,
  'add-constraint-fk-no-not-valid': [...scan, 'migrate-fails'],
  'add-constraint-unique': [...scan, 'migrate-fails', 'request-fails'],
  'add-constraint-unique-using-index': ['blocking-lock'],
  'add-constraint-unknown-type': scan,
  'add-pk-using-index': ['blocking-lock'],
  'add-pk-without-using-index': rewrite,
  'alter-column-set-not-null': [...scan, 'migrate-fails', 'request-fails'],
  'alter-column-type': [...rewrite, ...gone, 'migrate-fails'],
  'alter-enum-add-value': ['blocking-lock', 'migrate-fails'],
  'alter-enum-no-ordering': style,
  'attach-partition': scan,
  'ban-alter-domain-add-constraint': scan,
  'ban-char-field': style,
  'ban-create-domain-with-constraint': style,
  'concurrent-in-transaction': ['migrate-fails'],
  'create-index-not-concurrent': [...scan, 'migrate-fails', 'request-fails'],
  'create-table-exclude-constraint': scan,
  'create-trigger': ['blocking-lock', 'request-fails'],
  'delete-without-where': ['backfill-in-one-transaction', ...gone],
  'detach-partition': ['blocking-lock', ...gone],
  'detach-partition-concurrent': ['blocking-lock'],
  'drop-column': gone,
  'drop-constraint': ['request-accepted', 'request-fails', 'blocking-lock'],
  'drop-database': gone,
  'drop-index-not-concurrent': ['blocking-lock', 'request-accepted', 'request-fails'],
  'drop-not-null': ['request-accepted', ...gone],
  'drop-schema': gone,
  'drop-schema-cascade': gone,
  'drop-table': gone,
  'drop-trigger': ['blocking-lock', ...gone],
  'enable-disable-trigger': ['blocking-lock', ...gone],
  'fk-missing-index': style,
  'lock-timeout-after-dangerous-statement': queue,
  'lock-timeout-too-long': queue,
  'lock-timeout-zero': queue,
  'missing-application-name': style,
  'missing-idle-timeout': style,
  'missing-lock-timeout': queue,
  'missing-statement-timeout': style,
  'not-valid-validate-same-tx': scan,
  'prefer-bigint-over-int': style,
  'prefer-identity': style,
  'prefer-robust-add-column': [style, 'migration-not-atomic'],
  'prefer-robust-create-index': [style, 'migration-not-atomic'],
  'prefer-robust-create-table': [style, 'migration-not-atomic'],
  'prefer-robust-drop-index': [style, 'migration-not-atomic'],
  'prefer-robust-drop-table': [style, 'migration-not-atomic'],
  'prefer-text-field': style,
  'prefer-timestamptz': style,
  'refresh-matview-blocking': rewrite,
  'refresh-matview-concurrent': scan,
  'reindex-non-concurrent': rewrite,
  'rename-column': gone,
  'rename-schema': gone,
  'rename-table': gone,
  'set-logged-unlogged': rewrite,
  'statement-after-access-exclusive': [...scan, 'backfill-in-one-transaction'],
  'statement-timeout-too-long': style,
  truncate: gone,
  'truncate-cascade': gone,
  'unclosed-transaction': style,
  'update-in-migration': ['backfill-in-one-transaction', ...gone],
  'vacuum-full': rewrite,
  'validate-constraint': ['blocking-lock'],
  'wide-lock-window': ['blocking-lock'],
};

const serverRules = {
  addSerialColumn: rewrite,
  addingFieldWithDefault: rewrite,
  addingForeignKeyConstraint: [...scan, 'migrate-fails'],
  addingNotNullField: [...scan, 'migrate-fails', 'request-fails'],
  addingPrimaryKeyConstraint: rewrite,
  addingRequiredField: ['migrate-fails', 'request-fails'],
  avoidAddingExclusionConstraint: scan,
  avoidAlterEnumAddValue: ['migrate-fails'],
  avoidAttachingPartition: scan,
  avoidCreateTrigger: ['blocking-lock', 'request-fails'],
  avoidEnableDisableTrigger: ['blocking-lock', ...gone],
  avoidWideLockWindow: ['blocking-lock'],
  banCharField: style,
  banConcurrentIndexCreationInTransaction: ['migrate-fails'],
  banDeleteWithoutWhere: gone,
  banDropColumn: gone,
  banDropDatabase: gone,
  banDropNotNull: ['request-accepted', ...gone],
  banDropSchema: gone,
  banDropTable: gone,
  banDropTrigger: ['blocking-lock', ...gone],
  banTruncate: gone,
  banTruncateCascade: gone,
  banUpdateWithoutWhere: ['backfill-in-one-transaction', ...gone],
  banVacuumFull: rewrite,
  changingColumnType: [...rewrite, ...gone, 'migrate-fails'],
  concurrentRefreshMatviewLock: scan,
  constraintMissingNotValid: [...scan, 'migrate-fails'],
  creatingEnum: style,
  disallowUniqueConstraint: [...scan, 'migrate-fails', 'request-fails'],
  lockTimeoutWarning: queue,
  multipleAlterTable: style,
  preferBigInt: style,
  preferBigintOverInt: style,
  preferBigintOverSmallint: style,
  preferIdentity: style,
  preferJsonb: ['request-fails', style],
  preferRobustStmts: [style, 'migration-not-atomic'],
  preferTextField: style,
  preferTimestamptz: style,
  renamingColumn: gone,
  renamingTable: gone,
  requireConcurrentDetachPartition: ['blocking-lock', ...gone],
  requireConcurrentIndexCreation: scan,
  requireConcurrentIndexDeletion: ['blocking-lock', 'request-accepted', 'request-fails'],
  requireConcurrentRefreshMatview: rewrite,
  requireConcurrentReindex: rewrite,
  requireIdleInTransactionTimeout: style,
  requireSeparateConstraintValidation: scan,
  requireStatementTimeout: style,
  runningStatementWhileHoldingAccessExclusive: [...scan, 'backfill-in-one-transaction'],
  transactionNesting: style,
};

/** Their exit codes say that something was found; only a missing answer is a failure. */
function output(command, args, cwd) {
  return new Promise((done, fail) => {
    execFile(command, args, { cwd, maxBuffer: 1 << 28 }, (error, stdout) =>
      stdout.trim() === '' && error !== null && typeof error.code !== 'number' ? fail(error) : done(stdout),
    );
  });
}

async function timed(work) {
  const begun = performance.now();
  const value = await work();
  return { value, ms: performance.now() - begun };
}

async function cold(work) {
  const times = [];
  for (let i = 0; i < 5; i += 1) times.push((await timed(work)).ms);
  return times.sort((a, b) => a - b)[2];
}

const byId = (file) =>
  file
    .split('/')
    .at(-1)
    .replace(/\.sql$/, '');

/** Each tool: how it is run over files, and what it named, by migration. */
function linters(bin, directory, migrations) {
  const sql = (id) => join(directory, `${id}.sql`);
  const begins = (m) => m.sql.startsWith('BEGIN');
  const squawk = async (chosen, wrapped) => {
    const args = ['--reporter', 'json', '--pg-version', '18', ...(wrapped ? ['--assume-in-transaction'] : [])];
    const text = await output(join(bin, 'squawk'), [...args, ...chosen.map((m) => sql(m.id))], directory);
    return JSON.parse(text).map((each) => ({ id: byId(each.file), rule: each.rule_name, flags: true }));
  };
  const server = async (paths, config = 'all') => {
    const at = ['--config-path', join(directory, config)];
    const args = ['check', ...at, '--disable-db', '--reporter=json', '--max-diagnostics=none'];
    const text = await output(join(bin, 'postgres-language-server'), [...args, ...paths], directory);
    return JSON.parse(text).diagnostics.flatMap((each) =>
      each.category.startsWith('lint/')
        ? [{ id: byId(each.location.path), rule: each.category.split('/').at(-1), flags: true }]
        : [{ id: byId(each.location.path), rule: 'transactionNesting', flags: false }],
    );
  };
  // It carries tables made in one file over to the next: one file a run. `--stats-file` only raises risks, and is left out.
  const pgfence = async (paths) => {
    const args = ['analyze', '--format', 'sql', '--output', 'json', '--min-pg-version', '18', ...paths];
    const text = await output(join(bin, 'pgfence'), args, directory);
    // It has the parser of PostgreSQL 16, and gives up on what is newer.
    if (text.trim() === '')
      return paths.map((path) => ({ id: byId(path).replace(/\.begun$/, ''), rule: unread, flags: false }));
    return JSON.parse(text).results.flatMap(({ filePath, checks, policyViolations = [] }) =>
      [...checks, ...policyViolations].map((each) => ({
        id: byId(filePath).replace(/\.begun$/, ''),
        rule: each.ruleId,
        // What it calls safe or of low risk names a hazard, but is no alarm.
        flags: each.risk === undefined ? each.severity === 'error' : !['SAFE', 'LOW'].includes(each.risk),
      })),
    );
  };
  const assumed = migrations.filter((m) => m.transactional && !begins(m));
  const apart = migrations.filter((m) => !assumed.includes(m));
  const one = [migrations[0]];
  const everything = migrations.map((m) => sql(m.id));
  const unreadable = new Set();
  const begun = (m) => join(directory, 'begun', `${m.id}.begun.sql`);
  return [
    {
      name: 'squawk',
      map: squawkRules,
      all: async () => [...(await squawk(assumed, true)), ...(await squawk(apart, false))],
      cold: () => squawk(one, true),
      warm: () => squawk(assumed, true),
      count: assumed.length,
    },
    {
      name: 'pgfence',
      map: pgfenceRules,
      all: async () => {
        const named = [];
        for (const m of migrations) named.push(...(await pgfence([begun(m)])));
        for (const { id, rule } of named) if (rule === unread) unreadable.add(id);
        return named;
      },
      cold: () => pgfence([begun(one[0])]),
      warm: () => pgfence(migrations.filter(({ id }) => !unreadable.has(id)).map(begun)),
      count: migrations.length,
    },
    {
      name: 'postgres-language-server',
      map: serverRules,
      all: () => server(everything),
      cold: () => server([sql(one[0].id)]),
      warm: () => server(everything),
      count: migrations.length,
    },
    {
      name: 'the same, recommended rules',
      map: serverRules,
      all: () => server(everything, 'recommended'),
      cold: () => server([sql(one[0].id)], 'recommended'),
      warm: () => server(everything, 'recommended'),
      count: migrations.length,
    },
  ];
}

/** What a rule of theirs means: hazards of ours, and whether it is only style or about lock_timeout. */
function meaning(map, rule) {
  const found = map[rule];
  if (found === undefined) return { ours: [], kind: 'unknown' };
  if (found === queue || found === style) return { ours: [], kind: found };
  return { ours: found.filter((each) => each !== style), kind: found.includes(style) ? style : 'hazard' };
}

/** Per migration: the names of what was said, the hazards it amounts to, and whether it is an alarm. */
function verdicts(migrations, named, map) {
  const all = new Map(
    migrations.map(({ id }) => [id, { rules: new Set(), ours: new Set(), alarms: new Set(), queue: false }]),
  );
  const unknown = new Set();
  for (const { id, rule, flags } of named) {
    const { ours, kind } = meaning(map, rule);
    const verdict = all.get(id);
    if (kind === 'unknown') unknown.add(rule);
    verdict.rules.add(rule);
    for (const each of ours) verdict.ours.add(each);
    if (kind === queue) verdict.queue = true;
    if (kind === 'hazard' && flags) verdict.alarms.add(rule);
  }
  return { all, unknown };
}

function cutoverVerdicts(named) {
  const entry = ({ id, rules }) => {
    const ours = rules.filter((rule) => rule !== 'lock-queue');
    return [
      id,
      { rules: new Set(rules), ours: new Set(ours), alarms: new Set(ours), queue: rules.includes('lock-queue') },
    ];
  };
  return { all: new Map(named.map(entry)), unknown: new Set() };
}

const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;

function score(migrations, { all }) {
  const unsafe = migrations.filter(({ hazards }) => hazards.length > 0);
  const safe = migrations.filter(({ hazards }) => hazards.length === 0);
  const hazards = unsafe.flatMap((m) => m.hazards.map((rules) => ({ m, rules })));
  const missed = hazards.filter(({ m, rules }) => !rules.some((rule) => all.get(m.id).ours.has(rule)));
  const alarms = safe.filter((m) => all.get(m.id).alarms.size > 0);
  const waits = migrations.filter((m) => m.queue);
  const calm = migrations.filter((m) => !m.queue);
  const ids = (list) => list.map(({ id }) => id).join(', ') || 'none';
  return {
    missed,
    alarms,
    unqueued: ids(waits.filter((m) => !all.get(m.id).queue)),
    queued: ids(calm.filter((m) => all.get(m.id).queue)),
    row: [
      percent(hazards.length - missed.length, hazards.length),
      percent(unsafe.filter((m) => all.get(m.id).alarms.size > 0).length, unsafe.length),
      percent(unsafe.filter((m) => all.get(m.id).rules.size > 0).length, unsafe.length),
      `${alarms.length} of ${safe.length}`,
      `${safe.filter((m) => all.get(m.id).rules.size > 0).length} of ${safe.length}`,
      `${waits.filter((m) => all.get(m.id).queue).length} of ${waits.length}`,
      `${calm.filter((m) => all.get(m.id).queue).length} of ${calm.length}`,
    ],
  };
}

function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column])).join('  '));
}

function printRules(migrations, { all }) {
  const count = new Map();
  for (const { id, hazards } of migrations) {
    for (const rules of hazards) {
      const key = rules.join(' | ');
      const [found, of] = count.get(key) ?? [0, 0];
      count.set(key, [found + Number(rules.some((rule) => all.get(id).ours.has(rule))), of + 1]);
    }
  }
  for (const [key, [found, of]] of [...count].sort(([, [, a]], [, [, b]]) => b - a))
    console.log(`  ${key}: ${found} of ${of}`);
}

function printDetails(name, { missed, alarms, unqueued, queued }, { all, unknown }) {
  console.log(`\n${name}: ${missed.length} misses`);
  for (const { m, rules } of missed)
    console.log(
      `  ${m.id}: ${rules.join(' | ')}; said ${[...all.get(m.id).rules].join(', ') || 'nothing'}${m.doubt === null ? '' : ' (doubted)'}`,
    );
  console.log(`${name}: ${alarms.length} false alarms`);
  for (const m of alarms)
    console.log(`  ${m.id}: ${[...all.get(m.id).alarms].join(', ')}${m.doubt === null ? '' : ' (doubted)'}`);
  console.log(`${name}: lock queues not named: ${unqueued}`);
  console.log(`${name}: lock queues that are none: ${queued}`);
  if (unknown.size > 0) console.log(`${name}: rules that the table does not know: ${[...unknown].join(', ')}`);
}

function installed(directory) {
  const bin = join(directory, 'node_modules/.bin');
  const names = ['squawk', 'pgfence', 'postgres-language-server'];
  if (!names.every((name) => existsSync(join(bin, name))))
    execFileSync('npm', ['install', '--prefix', directory, '--no-save', '--no-audit', '--no-fund', ...packages], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  return bin;
}

async function writeFiles(directory, migrations) {
  await mkdir(join(directory, 'begun'), { recursive: true });
  const end = (text) => `${text.trim().replace(/;$/, '')};\n`;
  for (const { id, sql, plan, transactional } of migrations) {
    const wrapped = transactional && !sql.startsWith('BEGIN') ? `BEGIN;\n${end(sql)}COMMIT;\n` : end(sql);
    await writeFile(join(directory, `${id}.sql`), end(sql));
    await writeFile(join(directory, 'begun', `${id}.begun.sql`), wrapped);
    await writeFile(join(directory, `${id}.cutover.yaml`), plan);
  }
  for (const [name, safety] of [
    ['all', { all: true }],
    ['recommended', { recommended: true }],
  ]) {
    const linter = { enabled: true, rules: { recommended: true, safety } };
    await mkdir(join(directory, name), { recursive: true });
    await writeFile(join(directory, name, 'postgres-language-server.jsonc'), JSON.stringify({ linter }));
  }
}

/** Cutover's own half, made ready to run without a loader for TypeScript. */
async function ours() {
  await buildAll();
  const outfile = join(dist, 'bench-linters.mjs');
  const entryPoints = [join(root, 'test/bench/linters-cutover.ts')];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  return await import(pathToFileURL(outfile).href);
}

async function main(directory) {
  const { labelledMigrations, rehearseAll } = await ours();
  const migrations = labelledMigrations(join(root, 'test/migrations'));
  const given = process.argv.indexOf('--tools');
  const bin = installed(given < 0 ? directory : resolve(process.argv[given + 1]));
  await writeFiles(directory, migrations);

  const rows = [
    [
      '',
      'right rule',
      'alarm',
      'says anything',
      'false alarms',
      'says anything of safe',
      'queue',
      'queue wrongly',
      'cold ms',
      'warm ms each',
    ],
  ];
  const results = [];
  const plan = join(directory, `${migrations[0].id}.cutover.yaml`);
  const named = await rehearseAll(migrations, dist);
  const coldMs = await cold(() => output(process.execPath, [join(dist, 'cli.cjs'), 'rehearse', plan], directory));
  const warmMs = named.reduce((sum, { ms }) => sum + ms, 0) / named.length;
  results.push({ name: 'cutover', said: cutoverVerdicts(named), coldMs, warmMs });
  for (const tool of linters(bin, directory, migrations)) {
    const said = verdicts(migrations, await tool.all(), tool.map);
    const coldMs = await cold(tool.cold);
    const { ms } = await timed(tool.warm);
    results.push({ name: tool.name, said, coldMs, warmMs: ms / tool.count });
  }

  const hazards = migrations.flatMap((m) => m.hazards).length;
  const safe = migrations.filter((m) => m.hazards.length === 0).length;
  console.log(`${migrations.length} migrations: ${migrations.length - safe} with ${hazards} hazards, ${safe} safe\n`);
  const scored = results.map(({ name, said, coldMs, warmMs }) => {
    const found = score(migrations, said);
    rows.push([name, ...found.row, coldMs.toFixed(0), warmMs.toFixed(1)]);
    return { name, said, found };
  });
  printTable(rows);
  for (const { name, said } of scored) {
    console.log(`\n${name}, by hazard`);
    printRules(migrations, said);
  }
  for (const { name, said, found } of scored) printDetails(name, found, said);
}

const temporary = await mkdtemp(join(tmpdir(), 'cutover-linters-'));
try {
  await main(temporary);
} finally {
  await rm(temporary, { recursive: true, force: true });
}
