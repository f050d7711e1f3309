/**
 * Makes dist/pgdata.image: a PGDATA directory that Postgres boots from in less than a second, where
 * initdb would take several and block the thread. Made from the installed PGlite, never committed.
 *
 * Layout: 4 bytes with the length of a JSON header, the header, the brotli-compressed files one after
 * the other. The header's `key` says what it was made from: an image with the same key is kept.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * A sleep would wait for a clock that stands still, and uuidv7() counts up from its last value, so that it
 * is no function of the seed. A session that ends itself would do so between two messages, unseen. Built-in functions are called by their number: a replacement needs a new one.
 */
const replacements = `
UPDATE pg_proc SET proname = 'pg_sleep_builtin' WHERE oid = 'pg_catalog.pg_sleep(float8)'::regprocedure;
CREATE FUNCTION pg_catalog.pg_sleep(double precision) RETURNS void LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
  IF $1 > 60 THEN
    RAISE EXCEPTION USING ERRCODE = '57014', MESSAGE = 'canceling statement due to statement timeout',
      DETAIL = 'pg_sleep() of more than a minute is not rehearsed.';
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_sleep_for(interval) RETURNS void LANGUAGE sql VOLATILE STRICT
  AS 'SELECT pg_catalog.pg_sleep(extract(epoch FROM $1)::float8)';
CREATE OR REPLACE FUNCTION pg_catalog.pg_sleep_until(timestamptz) RETURNS void LANGUAGE sql VOLATILE STRICT
  AS 'SELECT pg_catalog.pg_sleep(extract(epoch FROM $1 - clock_timestamp())::float8)';
UPDATE pg_proc SET proname = 'pg_terminate_backend_builtin' WHERE oid = 'pg_catalog.pg_terminate_backend(int4, int8)'::regprocedure;
CREATE FUNCTION pg_catalog.pg_terminate_backend(pid integer, timeout bigint DEFAULT 0) RETURNS boolean LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
  IF $1 = pg_backend_pid() THEN
    RAISE EXCEPTION USING ERRCODE = '57P01', MESSAGE = 'terminating connection due to administrator command';
  END IF;
  RETURN false;
END $$;
UPDATE pg_proc SET proname = 'pg_cancel_backend_builtin' WHERE oid = 'pg_catalog.pg_cancel_backend(int4)'::regprocedure;
CREATE FUNCTION pg_catalog.pg_cancel_backend(pid integer) RETURNS boolean LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
  IF $1 = pg_backend_pid() THEN
    RAISE EXCEPTION USING ERRCODE = '57014', MESSAGE = 'canceling statement due to user request';
  END IF;
  RETURN false;
END $$;
UPDATE pg_proc SET proname = 'uuidv7_builtin' WHERE oid = 'pg_catalog.uuidv7()'::regprocedure;
CREATE FUNCTION pg_catalog.uuidv7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_byte(overlay(uuid_send(gen_random_uuid())
      placing substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::int8) FROM 3) FROM 1 FOR 6),
    6, 112 | (get_byte(uuid_send(gen_random_uuid()), 6) & 15)), 'hex')::uuid $$;
`;

export async function buildImage(outdir = join(root, 'dist')) {
  const target = join(outdir, 'pgdata.image');
  const key = await imageKey();
  if ((await existingKey(target)) === key) return;
  const files = await initialise();
  const body = Buffer.concat(files.map((file) => file.data));
  const header = Buffer.from(
    JSON.stringify({
      key,
      size: body.length,
      files: files.map((f) => [f.path, f.mode, f.directory ? -1 : f.data.length]),
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const packed = brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
  await mkdir(outdir, { recursive: true });
  // Two builds may run at once: a half-written image must never be seen.
  const temporary = `${target}.${process.pid}`;
  await writeFile(temporary, Buffer.concat([length, header, packed]));
  await rename(temporary, target);
}

/** The image depends on PGlite's version and on this script. */
async function imageKey() {
  const main = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const { version } = JSON.parse(await readFile(join(dirname(main), '..', 'package.json'), 'utf8'));
  const script = await readFile(fileURLToPath(import.meta.url));
  return `${version} ${createHash('sha256').update(script).digest('hex').slice(0, 16)}`;
}

async function existingKey(file) {
  try {
    const data = await readFile(file);
    return JSON.parse(data.subarray(4, 4 + data.readUInt32LE()).toString('utf8')).key;
  } catch {
    return null;
  }
}

async function initialise() {
  const { PGlite, MemoryFS } = await import('@electric-sql/pglite');
  let files = [];
  // The files are complete only after the clean shutdown, and gone once the module is.
  class ExportingFS extends MemoryFS {
    async closeFs() {
      files = listFiles(this.pg.Module.FS, PGlite.paths.PGDATA);
      await super.closeFs();
    }
  }
  const db = await PGlite.create({
    fs: new ExportingFS(),
    initDbStartParams: ['--wal-segsize=1'],
    startParams: [...PGlite.defaultStartParams, '-c', 'wal_recycle=off', '-c', 'min_wal_size=2MB'],
  });
  await db.exec(`UPDATE pg_database SET datistemplate = false WHERE datname IN ('template0', 'template1')`);
  await db.exec('DROP DATABASE template0');
  await db.exec('DROP DATABASE template1');
  await db.exec(replacements);
  await db.exec('VACUUM FULL');
  await db.exec('VACUUM FREEZE ANALYZE');
  await db.exec('CHECKPOINT');
  await db.close();
  if (files.length === 0) throw new Error('PGlite closed without giving its files');
  return files;
}

function listFiles(fs, top) {
  const files = [];
  const visit = (path) => {
    for (const name of fs.readdir(path).sort()) {
      if (name === '.' || name === '..' || name === 'postmaster.pid') continue;
      const full = `${path}/${name}`;
      const { mode } = fs.stat(full);
      const directory = fs.isDir(mode);
      const data = directory ? Buffer.alloc(0) : Buffer.from(fs.readFile(full));
      files.push({ path: full.slice(top.length + 1), mode: mode & 0o7777, directory, data });
      if (directory) visit(full);
    }
  };
  visit(top);
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildImage();
}
