import { defineConfig } from 'vitest/config';

// Two workers at most: each may hold a Postgres of 200 MB.
export default defineConfig({
  test: {
    include: ['test/{simulator,extension,extension-unit,webview-unit}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 5_000,
  },
});
