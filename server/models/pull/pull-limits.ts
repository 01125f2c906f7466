/** How a pull uses a source; every figure has its reason, and tests take others. */
export type PullLimits = {
  /** Parts of a file that come at the same time. */
  connections: number
  /** Bytes of one part. */
  partBytes: number
  /** Milliseconds after which a connection on which nothing comes is given up. */
  stallMs: number
  /** Milliseconds between tries of the last source there is, after it brought something and then nothing. */
  pausesMs: readonly number[]
}

export const usualLimits: PullLimits = {
  // One connection seldom fills a long line, and more than a few are taken for an attack.
  connections: 4,
  // Long enough that asking costs nothing, short enough that the sha256 keeps up behind the parts.
  partBytes: 16 * 1024 * 1024,
  stallMs: 60_000,
  // A line that is gone for a moment, a machine that is started again.
  pausesMs: [500, 1000, 2000, 4000, 8000]
}
