import type { GraphEdge, PlanGraph } from '#contracts/plan-views.ts'

export const cardWidth = 184
export const cardHeight = 76
const gapX = 76
const gapY = 16
const margin = 12
/** Between edges that pass below the cards. */
const laneHeight = 16

export type Spot = { x: number; y: number }
/** All that goes from one node to another. `path`: of an SVG; `middle`: where its label stands. */
export type DrawnEdge = { id: string; from: string; to: string; fields: GraphEdge[]; path: string; middle: Spot }
export type GraphLayout = { width: number; height: number; spots: Map<string, Spot>; edges: DrawnEdge[] }

/**
 * Levels from left to right, the nodes of each one below the other and in the middle of the height. An edge that leaves a level out would be
 * hidden by the cards there, so it takes a lane of its own below all of them. Pixels.
 */
export function layOutGraph({ levels, edges }: Pick<PlanGraph, 'levels' | 'edges'>): GraphLayout {
  const rows = Math.max(1, ...levels.map(({ length }) => length))
  const cardsHeight = margin * 2 + rows * cardHeight + (rows - 1) * gapY
  const spots = new Map<string, Spot>()
  for (const [column, ids] of levels.entries()) {
    const own = ids.length * cardHeight + Math.max(0, ids.length - 1) * gapY
    for (const [row, id] of ids.entries()) {
      spots.set(id, { x: margin + column * (cardWidth + gapX), y: (cardsHeight - own) / 2 + row * (cardHeight + gapY) })
    }
  }
  const bundles = new Map<string, GraphEdge[]>()
  for (const edge of edges) {
    const key = `${edge.from} ${edge.to}`
    bundles.set(key, [...(bundles.get(key) ?? []), edge])
  }
  const drawn: DrawnEdge[] = []
  let lanes = 0
  for (const [id, fields] of bundles) {
    const [{ from, to } = { from: '', to: '' }] = fields
    const start = spots.get(from)
    const end = spots.get(to)
    if (start === undefined || end === undefined) continue
    const [x1, y1, x2, y2] = [start.x + cardWidth, start.y + cardHeight / 2, end.x, end.y + cardHeight / 2]
    const half = gapX / 2
    if (x2 - x1 <= gapX) {
      const path = `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`
      drawn.push({ id, from, to, fields, path, middle: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 } })
      continue
    }
    const lane = cardsHeight + lanes++ * laneHeight
    const down = `C${x1 + half} ${y1} ${x1 + half} ${lane} ${x1 + gapX} ${lane}`
    const up = `C${x2 - half} ${lane} ${x2 - half} ${y2} ${x2} ${y2}`
    drawn.push({ id, from, to, fields, path: `M${x1} ${y1}${down}H${x2 - gapX}${up}`, middle: { x: (x1 + x2) / 2, y: lane } })
  }
  const width = margin * 2 + levels.length * cardWidth + Math.max(0, levels.length - 1) * gapX
  return { width, height: cardsHeight + lanes * laneHeight, spots, edges: drawn }
}
