import { pin } from './pinning.ts'

export const run = (args: string[]): Promise<number> => pin(args, 'unpinModel')
