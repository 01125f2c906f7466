import { getLlama, LlamaGrammar, LlamaLogLevel } from 'node-llama-cpp'

/** llama.cpp's own matcher: a grammar → whether it accepts a whole text. Throws where llama.cpp does not take the grammar. */
export async function openGrammarMatcher(): Promise<{ matcher(gbnf: string): (text: string) => boolean; close(): Promise<void> }> {
  const llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error })
  return {
    matcher(gbnf) {
      // The library marks it internal, so its types leave it out.
      const grammar = new LlamaGrammar(llama, { grammar: gbnf }) as LlamaGrammar & { _testText(text: string): boolean }
      return (text) => grammar._testText(text)
    },
    close: () => llama.dispose()
  }
}
