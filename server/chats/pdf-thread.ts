import { parentPort, workerData } from 'node:worker_threads'

export type PdfReport = { text: string } | { problem: string }

if (parentPort !== null) parentPort.postMessage(await read(workerData as Uint8Array)) // `read-pdf.ts` starts it, with the bytes.

async function read(data: Uint8Array): Promise<PdfReport> {
  const { extractText, getDocumentProxy } = await import('unpdf')
  try {
    const document = await getDocumentProxy(data)
    const { text } = await extractText(document, { mergePages: false })
    return { text: text.map((page) => page.trim()).join('\n\n') }
  } catch (error) {
    return { problem: (error as Error).name === 'PasswordException' ? 'it is locked with a password' : 'it is damaged' }
  }
}
