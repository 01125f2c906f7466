import { defineText } from '../../text/text.ts'
import type { messages } from './messages/en.ts'

export const usageText = defineText<typeof messages>('usage', (language) => import(`./messages/${language}.ts`))
