/**
 * The chunks of a file in their order. While one is worked on, the next is read; the bytes of a chunk stay until the one after it was
 * taken, so that they can be written meanwhile. Three buffers are all the memory it takes.
 */
export async function* readAhead(options: {
  size: number
  chunkSize: number
  /** The first chunk that is wanted. */
  from?: number
  read: (buffer: Uint8Array, position: number) => Promise<void>
  signal: AbortSignal
}): AsyncGenerator<{ index: number; start: number; chunk: Buffer }> {
  const { size, chunkSize, from = 0, signal } = options
  const count = Math.ceil(size / chunkSize)
  const buffers = [0, 1, 2].map(() => Buffer.allocUnsafeSlow(Math.min(chunkSize, size)))
  const read = async (index: number): Promise<Buffer> => {
    const start = index * chunkSize
    const chunk = (buffers[index % buffers.length] as Buffer).subarray(0, Math.min(chunkSize, size - start)) // an index within
    await options.read(chunk, start)
    return chunk
  }
  let next = from < count ? read(from) : undefined
  try {
    for (let index = from; index < count && next !== undefined; index++) {
      const chunk = await next
      signal.throwIfAborted()
      next = index + 1 < count ? read(index + 1) : undefined
      yield { index, start: index * chunkSize, chunk }
    }
  } finally {
    // Whoever leaves early closes the file next: not under a read that still runs. Its failure is nobody's any more.
    await next?.catch(() => {})
  }
}
