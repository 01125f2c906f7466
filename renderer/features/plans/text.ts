import { defineText } from '../../text/text.ts'
import type { messages } from './messages/en.ts'

export const plansText = defineText<typeof messages>('plans', (language) => import(`./messages/${language}.ts`))
