import { defineText } from '../../text/text.ts'
import type { messages } from './messages/en.ts'

export const keysText = defineText<typeof messages>('keys', (language) => import(`./messages/${language}.ts`))
