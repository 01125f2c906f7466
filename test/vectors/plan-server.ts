import { startScripted } from '../http/scripted-services.ts'

/** A server to send the cases of `http_api` to: nothing in it yet, and projects may be registered without a key. */
export async function startPlanServer(): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  return await startScripted()
}
