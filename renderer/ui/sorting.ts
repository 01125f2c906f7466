/** By which column a table is sorted. */
export type Sorting<Column extends string> = { column: Column; descending: boolean }
