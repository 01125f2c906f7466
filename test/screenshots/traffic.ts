import { type Ending, onEnd } from '../helpers/on-end.ts'
import type { TestServer } from '../helpers/server.ts'

/** Requests of every kind: some that ended in each way, then so many that go on that some have to wait. */
export async function startTraffic(t: Ending, { url }: Pick<TestServer, 'url'>): Promise<void> {
  const leaving = new AbortController()
  onEnd(t, () => leaving.abort())
  const ask = async (script: string, lane: string) => {
    const response = await fetch(`${url}/outpost/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'house-chat', messages: [{ role: 'user', content: `fake: ${script}` }], generation: { maxTokens: 4000 }, lane }),
      signal: leaving.signal
    })
    if (!response.ok) throw new Error(await response.text())
    return await response.text().catch(() => '')
  }
  for (const script of [
    'tokens=40 stepMs=10 prefillMs=200',
    'tokens=90 stepMs=8 prefillMs=120',
    'tokens=20 fail=internal_error failAfter=9 stepMs=10'
  ])
    await ask(script, 'interactive')
  await Promise.all([60, 30, 45, 80, 25, 50].map((tokens) => ask(`tokens=${tokens} stepMs=8 prefillMs=90`, 'normal')))
  const endless = 'tokens=4000 stepMs=1000'
  const going = ['interactive', 'interactive', 'normal', 'normal', 'interactive', 'normal', 'normal', 'batch', 'batch', 'batch'].map((lane) =>
    ask(endless, lane)
  )
  for (const request of going) request.catch(() => {})
}
