import type { GraphEdge, PlanGraph } from '#contracts/plan-views.ts'

export const cardWidth = 184
export const cardHeight = 76
const gapX = 76
const gapY = 16
const margin = 12

export type Spot = { x: number; y: number }
/** All that goes from one node to another. `path`: of an SVG; `middle`: where its label stands. */
export type DrawnEdge = { id: string; from: string; to: string; fields: GraphEdge[]; path: string; middle: Spot }
export type GraphLayout = { width: number; height: number; spots: Map<string, Spot>; edges: DrawnEdge[] }

/** Levels from left to right, the nodes of each one below the other and in the middle of the height. Pixels. */
export function layOutGraph({ levels, edges }: Pick<PlanGraph, 'levels' | 'edges'>): GraphLayout {
  const rows = Math.max(1, ...levels.map(({ length }) => length))
  const height = margin * 2 + rows * cardHeight + (rows - 1) * gapY
  const spots = new Map<string, Spot>()
  for (const [column, ids] of levels.entries()) {
    const own = ids.length * cardHeight + Math.max(0, ids.length - 1) * gapY
    for (const [row, id] of ids.entries()) {
      spots.set(id, { x: margin + column * (cardWidth + gapX), y: (height - own) / 2 + row * (cardHeight + gapY) })
    }
  }
  const bundles = new Map<string, GraphEdge[]>()
  for (const edge of edges) {
    const key = `${edge.from} ${edge.to}`
    bundles.set(key, [...(bundles.get(key) ?? []), edge])
  }
  const drawn: DrawnEdge[] = []
  for (const [id, fields] of bundles) {
    const [{ from, to } = { from: '', to: '' }] = fields
    const start = spots.get(from)
    const end = spots.get(to)
    if (start === undefined || end === undefined) continue
    const [x1, y1, x2, y2] = [start.x + cardWidth, start.y + cardHeight / 2, end.x, end.y + cardHeight / 2]
    const bend = Math.max(gapX / 2, (x2 - x1) / 2)
    drawn.push({
      id,
      from,
      to,
      fields,
      path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
      middle: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 }
    })
  }
  const width = margin * 2 + levels.length * cardWidth + Math.max(0, levels.length - 1) * gapX
  return { width, height, spots, edges: drawn }
}
