import type { Toolbox } from '#contracts/plan-tools.ts'
import type { ToolboxRow } from '../../store/plan-tools.ts'
import type { OfferedTools } from './offered-tools.ts'
import { toolServiceId } from './tool.ts'

/** A toolbox as it may be shown: of its description only what is known to be no secret. */
export function toView({ row, offered, outdated }: { row: ToolboxRow; offered: OfferedTools; outdated: boolean }): Toolbox {
  const { id, projectId, spec, addedAt, addedBy } = row
  return {
    id,
    projectId,
    kind: spec.kind,
    name: spec.name,
    approval: spec.approval,
    target: offered.target,
    services: offered.tools.map(({ name, operation, approval, isHealthy }) => {
      return { id: toolServiceId(projectId, name), name, operation, approval, healthy: isHealthy() }
    }),
    skipped: offered.skipped,
    notes: offered.notes,
    outdated,
    addedAt,
    addedBy
  }
}
