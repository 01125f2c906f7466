import { isUtf8 } from 'node:buffer'
import type { Attachment } from '#contracts/chats.ts'
import { AppError } from '../errors.ts'
import type { ChatAttachmentStore, ReadFile } from '../store/chat-attachments.ts'
import { readPdf } from './read-pdf.ts'

const images: { mediaType: string; isOne: (data: Buffer) => boolean }[] = [
  { mediaType: 'image/png', isOne: (data) => data.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')) },
  { mediaType: 'image/jpeg', isOne: (data) => data.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex')) },
  { mediaType: 'image/gif', isOne: (data) => /^GIF8[79]a/.test(data.toString('latin1', 0, 6)) },
  { mediaType: 'image/webp', isOne: (data) => /^RIFF....WEBP/s.test(data.toString('latin1', 0, 12)) }
]

/**
 * What a file is, by its bytes and not by what its sender says, and what a model reads of it. Throws `unsupported_media_type` for what is neither
 * text, PDF nor an image, `invalid_request` for a PDF that cannot be read.
 */
export async function readAttachment(data: Buffer, mediaType: string): Promise<ReadFile & { mediaType: string }> {
  if (data.length === 0) throw new AppError('invalid_request', 'the file is empty')
  const image = images.find(({ isOne }) => isOne(data))
  if (image !== undefined) return { kind: 'image', characters: null, text: null, data, mediaType: image.mediaType }
  if (data.toString('latin1', 0, 1024).includes('%PDF-')) {
    const text = await readPdf(data)
    return { kind: 'pdf', characters: text.length, text, data, mediaType: 'application/pdf' }
  }
  const text = decodeText(data)
  if (text === undefined)
    throw new AppError(
      'unsupported_media_type',
      `attachments are text, code, CSV, PDF, PNG, JPEG, GIF or WebP, and this file (${mediaType.slice(0, 80)}) is none of them by its bytes`
    )
  const isPlain = isUtf8(data) && !hasByteOrderMark(data)
  return {
    kind: 'text',
    characters: text.length,
    text: isPlain ? null : text,
    data,
    mediaType: /^text\/|json|xml|yaml/.test(mediaType) ? mediaType : 'text/plain'
  }
}

/** What a model reads of an attachment; empty for an image. */
export function textOf(store: ChatAttachmentStore, owner: string, { id, kind }: Attachment): string {
  if (kind === 'image') return ''
  return store.text(owner, id) ?? store.data(owner, id).toString('utf8')
}

/** UTF-8, UTF-16 with a byte order mark, else Windows-1252 as old spreadsheets write it; undefined: it is no text. */
function decodeText(data: Buffer): string | undefined {
  const start = data.readUIntBE(0, Math.min(2, data.length))
  if (data.length >= 2 && (start === 0xfffe || start === 0xfeff)) {
    const text = new TextDecoder(start === 0xfffe ? 'utf-16le' : 'utf-16be').decode(data)
    return isReadable(text) ? text : undefined
  }
  const text = isUtf8(data) ? new TextDecoder('utf-8').decode(data) : new TextDecoder('windows-1252').decode(data)
  return isReadable(text) ? text : undefined
}

/** Files that are no text have control characters all over; a terminal's log has escapes and bells. */
function isReadable(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  return !/[\x00-\x06\x0e-\x1a\x1c-\x1f]/.test(text)
}

function hasByteOrderMark(data: Buffer): boolean {
  return data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf
}
