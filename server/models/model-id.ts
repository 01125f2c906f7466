/** A name in words → one that may be the id of a model: `Qwen3 4B` → `qwen3-4b`. */
export function toId(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
  return id === '' ? 'model' : id
}
