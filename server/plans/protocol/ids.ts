import { randomBytes } from 'node:crypto'

/** Letters and digits without 0, 1, I, O and l, which people mix up. */
const readable = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** The ids of services have no capitals: models that copy them write capitals as they please. */
const lowerCase = 'abcdefghijklmnopqrstuvwxyz'

export const newServiceId = () => `s_${randomText(lowerCase, 28)}`
export const newPlanId = () => `o_${randomText(readable, 22)}`
/** Of one sending of a task. */
export const newExecutionId = () => `e_${randomText(readable, 22)}`
/** Of one sending of a compensation. */
export const newCompensationExecutionId = () => `e_comp_${randomText(readable, 22)}`
/** Of a compensation that could not be done. */
export const newFailureId = () => `c_${randomText(readable, 22)}`
export const newProjectId = () => `p_${randomText(readable, 22)}`

function randomText(alphabet: string, length: number): string {
  // Bytes above the last whole multiple are left out, or the first letters would come more often.
  const limit = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length + 8)) {
      if (byte < limit && text.length < length) text += alphabet[byte % alphabet.length]
    }
  }
  return text
}
