import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '../../errors.ts'
import { toErrorBody } from '../wire/error-body.ts'

/** Answers what never became a request: it is not HTTP, its headers are too large, or it did not come in time. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const { status, problem } = toProblem(error.code)
  const body = JSON.stringify(toErrorBody(problem))
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

function toProblem(code: string | undefined): { status: number; problem: AppError } {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, problem: new AppError('timeout', 'the request did not come whole in time; send it faster or in a smaller body') }
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { status: 431, problem: new AppError('invalid_request', 'the headers are too large; leave out what is not needed') }
  }
  return { status: 400, problem: new AppError('invalid_request', 'this is not a valid HTTP request') }
}
