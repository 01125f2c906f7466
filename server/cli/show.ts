import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { WeightsDescription } from '#contracts/weights.ts'
import { loadConfig } from '../config.ts'
import { oneArgument } from './arguments.ts'
import { openFacts } from './facts.ts'
import { harmless, inBytes, say, sayJson } from './terminal.ts'

/** What the headers of a model say. Read here; asked of the server only when it is on another machine. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  const name = oneArgument(positionals, 'MODEL')
  const facts = await openFacts(loadConfig())
  const description = isPath(name) ? await facts.describeFile(name) : await facts.describe(name)
  if (values.json) sayJson({ model: name, description })
  else say(describe(description))
  return 0
}

/** A file or folder, and not the name of a model. */
export function isPath(name: string): boolean {
  return /[\\/]|\.(gguf|safetensors|json|bin|pt|pth|ckpt|pkl)$/i.test(name) && (existsSync(name) || !/^[\w.:-]+\/[\w.:-]+$/.test(name))
}

function describe(description: WeightsDescription): string {
  const { files, architecture, name, licence, contextLength, embeddingLength, quantisation, template, tokenizer, shape } = description
  const number = (value: number | null) => (value === null ? 'not said' : value.toLocaleString('en'))
  const layers =
    shape === null
      ? undefined
      : `${shape.layers.length}${shape.window > 0 ? `, ${shape.layers.filter(({ isWindowed }) => isWindowed).length} of them with a window of ${shape.window} tokens` : ''}`
  const rows: [string, string][] = [
    ['Name', name ?? 'not said'],
    ['Kind', description.isEmbedding ? 'embedding' : 'chat'],
    ['Architecture', architecture],
    ['Parameters', number(description.parameters)],
    ['Quantisation', quantisation ?? 'not said'],
    ['Context', contextLength === null ? 'not said' : `${number(contextLength)} tokens`],
    ...(layers === undefined ? [] : [['Layers', layers] as [string, string]]),
    ['Width', number(embeddingLength)],
    [
      'Template',
      template === null
        ? 'none'
        : [template.kind, template.hasTools ? 'tools' : '', template.hasReasoning ? 'reasoning' : ''].filter((word) => word !== '').join(', ')
    ],
    ['Tokenizer', tokenizer === null ? 'none' : `${tokenizer.kind}, ${number(tokenizer.tokens)} tokens`],
    ['Licence', licence ?? 'not said'],
    ['Tensors', `${number(description.tensorCount)}, ${inBytes(description.tensorBytes)}`],
    [
      'Files',
      files.length === 1
        ? `${files[0]?.name}, ${inBytes(files[0]?.size ?? 0)}`
        : `${files.length} (${description.format}), ${inBytes(files.reduce((sum, { size }) => sum + size, 0))}`
    ]
  ]
  return rows.map(([key, value]) => `${key.padEnd(13)} ${harmless(value)}`).join('\n')
}
