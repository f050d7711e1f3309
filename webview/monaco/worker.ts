/** Monaco's worker. A page of the editor may start one from a blob only, so its text is fetched first. */
let source: Promise<Blob> | null = null;

async function fetched(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the editor's worker could not be loaded: ${response.status}`);
  return new Blob([await response.text()], { type: 'text/javascript' });
}

export async function workerFrom(url: string): Promise<Worker> {
  source ??= fetched(url);
  const address = URL.createObjectURL(await source);
  const worker = new Worker(address, { name: 'sql' });
  // The worker has read it by the time it answers; until then the address has to stay.
  worker.addEventListener('message', () => URL.revokeObjectURL(address), { once: true });
  return worker;
}
