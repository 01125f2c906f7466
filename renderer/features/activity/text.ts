import { defineText } from '../../text/text.ts'
import type { messages } from './messages/en.ts'

export const activityText = defineText<typeof messages>('activity', (language) => import(`./messages/${language}.ts`))
