import { useState } from 'react'
import type { GraphNode, PlanGraph } from '#contracts/plan-views.ts'
import { useLanguage } from '../../text/text.ts'
import { classNames } from '../../ui/class-names.ts'
import { cardHeight, cardWidth, layOutGraph } from './graph-layout.ts'
import styles from './plan-graph.module.css'
import { CompensationState, TaskState } from './plan-state.tsx'
import { plansText } from './text.ts'

/** Tasks from left to right, each after what it needs. What goes along an edge is told by hover and focus, and by the list below. */
export function PlanGraphView({ graph }: { graph: PlanGraph }) {
  const t = plansText.useText()
  const [active, setActive] = useState<string>()
  const { width, height, spots, edges } = layOutGraph(graph)
  const names = new Map(graph.nodes.map((node) => [node.id, node.type === 'data' ? t('graph-data') : node.id]))
  const nameOf = (id: string) => names.get(id) ?? id
  const told = edges.map((edge) => ({
    ...edge,
    label: edge.fields.map(({ field, input }) => (field === input ? field : `${field} → ${input}`)).join(', '),
    title: t('edge', { from: nameOf(edge.from), to: nameOf(edge.to), fields: edge.fields.map(({ field }) => field).join(', ') })
  }))
  return (
    <section className={styles.section}>
      <h2>{t('graph')}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide graph scrolls, and the keyboard must be able to. */}
      <section className={styles.scroll} tabIndex={0} aria-label={t('graph')} dir="ltr">
        <div className={styles.graph} style={{ width, height }}>
          {/* biome-ignore lint/a11y/noSvgWithoutTitle: each of its edges has a name of its own. */}
          <svg width={width} height={height}>
            {told.map(({ id, path, title }) => (
              // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a picture with a name; focus shows what goes along it, as hover does.
              <g
                key={id}
                role="img"
                tabIndex={0}
                aria-label={title}
                className={classNames(styles.edge, active === id && styles.active)}
                onMouseEnter={() => setActive(id)}
                onMouseLeave={() => setActive(undefined)}
                onFocus={() => setActive(id)}
                onBlur={() => setActive(undefined)}
              >
                <path d={path} className={styles.reach} />
                <path d={path} className={styles.line} />
              </g>
            ))}
          </svg>
          {graph.nodes.map((node) => {
            const spot = spots.get(node.id)
            return spot === undefined ? null : <NodeCard key={node.id} node={node} x={spot.x} y={spot.y} />
          })}
          {told.map(({ id, middle, label }) =>
            id === active ? (
              <span key={id} className={styles.label} style={{ left: middle.x, top: middle.y }} aria-hidden="true">
                {label}
              </span>
            ) : null
          )}
        </div>
      </section>
      {told.length === 0 ? null : (
        <details className={styles.details}>
          <summary>{t('edges')}</summary>
          <ul>
            {told.map(({ id, title }) => (
              <li key={id}>{title}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}

function NodeCard({ node, x, y }: { node: GraphNode; x: number; y: number }) {
  const t = plansText.useText()
  const { formats } = useLanguage()
  const style = { left: x, top: y, width: cardWidth, height: cardHeight }
  if (node.type === 'data')
    return (
      <div className={classNames(styles.card, styles.data)} style={style}>
        <strong>{t('graph-data')}</strong>
        <span className={styles.quiet}>{node.fields.join(', ')}</span>
      </div>
    )
  return (
    <div className={classNames(styles.card, styles[node.state])} style={style}>
      <strong dir="auto">{node.serviceName}</strong>
      <span className={styles.quiet}>
        {node.id}
        {node.durationMs === null ? null : <span className={styles.time}>{formats.duration(node.durationMs)}</span>}
      </span>
      {node.compensation === null ? <TaskState state={node.state} /> : <CompensationState state={node.compensation} />}
    </div>
  )
}
