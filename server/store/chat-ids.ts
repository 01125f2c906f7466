import { randomUUID } from 'node:crypto'
import { AppError } from '../errors.ts'

export function newId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 24)
}

/** What belongs to somebody else is not there. */
export function nothingHere(what: string, id: string): AppError {
  return new AppError('not_found', `there is no ${what} ${JSON.stringify(id.slice(0, 64))}`)
}
