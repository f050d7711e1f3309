/** Progress is told of more often than anybody reads it, and each time may cross to another thread or process. */
export function throttled<T>(intervalMs: number, tell: (value: T) => unknown): (value: T) => void {
  let last = -Infinity;
  return (value) => {
    if (performance.now() - last < intervalMs) return;
    last = performance.now();
    void tell(value);
  };
}
