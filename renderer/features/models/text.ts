import { defineText } from '../../text/text.ts'
import type { messages } from './messages/en.ts'

export const modelsText = defineText<typeof messages>('models', (language) => import(`./messages/${language}.ts`))
