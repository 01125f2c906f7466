import { defineText } from '../text/text.ts'
import type { messages } from './en.ts'

/** Words of the frame and of the small components, which every page has. */
export const frameText = defineText<typeof messages>('frame', (language) => import(`./${language}.ts`))
export const useFrameText = frameText.useText
