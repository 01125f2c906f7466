import assert from 'node:assert/strict'
import { z } from 'zod'
import { AppError } from '../../../server/errors.ts'
import type { ServiceRegistration } from '../../../server/plans/plan-engine.ts'
import { readRegistration, readSchema, readServiceSchema } from '../../../server/plans/services/service-schema.ts'
import type { Check } from '../run.ts'

const Input = z.looseObject({ spec: z.unknown().optional(), schema: z.unknown().optional(), service: z.looseObject({}).optional() })
const Expected = z.looseObject({ valid: z.boolean() })

export const check: Check = (input, expected) => {
  const subject = Input.parse(input)
  assert.equal(refusal(subject), Expected.parse(expected).valid ? undefined : 'invalid_request')
}

/** The code of the error that a part of a registration is refused with. */
function refusal(subject: z.infer<typeof Input>): string | undefined {
  try {
    if ('spec' in subject) readSchema(subject.spec, 'spec')
    else if ('schema' in subject) readServiceSchema(subject.schema)
    // It is what a client sends; whether it is a registration is what is checked.
    else readRegistration({ revertible: false, ...subject.service } as unknown as ServiceRegistration)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}
