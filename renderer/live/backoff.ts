const firstMs = 250
const lastMs = 10_000

/** Milliseconds before try number `failures`: longer each time, and not the same for everybody who waits for one server. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const longest = Math.min(lastMs, firstMs * 2 ** Math.max(0, failures - 1))
  return Math.round(longest * (0.5 + random() / 2))
}
