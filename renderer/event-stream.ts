/** One server-sent event. Comments, which only keep a connection alive, are not events. */
export type StreamEvent = { id: string | undefined; event: string; data: string }

/**
 * Reads `text/event-stream` (WHATWG HTML, 9.2.6), whatever way the bytes were cut. `onBytes` is called with every piece, comments included: it
 * says that the connection is alive.
 */
export async function* readEventStream(body: ReadableStream<Uint8Array>, onBytes?: () => void): AsyncGenerator<StreamEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let event = ''
  let id: string | undefined
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onBytes?.()
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const ended of lines) {
        const line = ended.endsWith('\r') ? ended.slice(0, -1) : ended
        if (line === '') {
          if (data.length > 0) yield { id, event: event === '' ? 'message' : event, data: data.join('\n') }
          event = ''
          data = []
          continue
        }
        const colon = line.indexOf(':')
        if (colon === 0) continue
        const field = colon < 0 ? line : line.slice(0, colon)
        const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
        if (field === 'event') event = text
        else if (field === 'data') data.push(text)
        else if (field === 'id') id = text
      }
    }
  } finally {
    // Leaving the loop closes the connection, which ends what was asked for.
    await reader.cancel().catch(() => {})
  }
}
