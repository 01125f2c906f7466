/** Sends a chat to be streamed; milliseconds from there to its first text. */
export async function firstTokenOf(port: number, request: object): Promise<{ ms: number; text: string; promptTokens: number }> {
  const startedAt = performance.now()
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } })
  })
  if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`)
  let ms = 0
  let text = ''
  let promptTokens = 0
  let rest = ''
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue
      const chunk = JSON.parse(line.slice(6)) as { choices: { delta?: { content?: string | null } }[]; usage?: { prompt_tokens: number } | null }
      const content = chunk.choices[0]?.delta?.content ?? ''
      if (content !== '' && ms === 0) ms = performance.now() - startedAt
      text += content
      promptTokens = chunk.usage?.prompt_tokens ?? promptTokens
    }
  }
  return { ms, text, promptTokens }
}
