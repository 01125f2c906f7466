/** How something is: colour, shape and word say the same. */
export type StateTone = 'good' | 'busy' | 'warn' | 'bad' | 'quiet' | 'none'
