import type { Catalogue } from './catalogue.ts'
import { dataAnalysis } from './data-analysis.ts'
import { factory } from './factory.ts'
import { hr } from './hr.ts'
import { itTickets } from './it-tickets.ts'
import { shop } from './shop.ts'
import { travel } from './travel.ts'

/** Six trades, each with its services and what their users ask for. */
export const catalogues: Catalogue[] = [shop, travel, itTickets, hr, dataAnalysis, factory]
