import { type Catalogue, choice, integer, list, number, service, text } from './catalogue.ts'

export const dataAnalysis: Catalogue = {
  name: 'data analysis',
  services: [
    service('load-dataset', 'Loads a data set by name into a table.', {
      takes: { datasetName: text() },
      gives: { tableId: text(), rowCount: integer(), columns: list(text()) }
    }),
    service('clean-table', 'Makes a new table without duplicates and empty rows.', {
      takes: { tableId: text() },
      gives: { cleanTableId: text(), removedRows: integer() }
    }),
    service('join-tables', 'Joins two tables on a column they share.', {
      takes: { leftTableId: text(), rightTableId: text(), keyColumn: text() },
      gives: { joinedTableId: text() }
    }),
    service('compute-statistics', 'Mean, deviation and extremes of a column.', {
      takes: { tableId: text(), column: text() },
      gives: { mean: number(), deviation: number(), minimum: number(), maximum: number() }
    }),
    service('find-outliers', 'Finds the rows whose value in a column is far from the others.', {
      takes: { tableId: text(), column: text() },
      mayTake: { threshold: number('In standard deviations') },
      gives: { outlierTableId: text(), outlierCount: integer() }
    }),
    service('forecast', 'Continues a column that changes over time.', {
      takes: { tableId: text(), column: text(), periods: integer('How many steps ahead', { minimum: 1 }) },
      gives: { forecastTableId: text(), expectedError: number() }
    }),
    service('draw-chart', 'Draws a chart of a table.', {
      takes: { tableId: text(), kind: choice('line', 'bar', 'scatter') },
      gives: { chartUrl: text() }
    }),
    service('write-report', 'Writes a report with a title and a chart.', {
      takes: { title: text(), chartUrl: text() },
      gives: { reportUrl: text() }
    })
  ],
  actions: [
    {
      action: 'Load this data set.',
      data: { dataset: 'sales-2025' },
      expected: { services: ['load-dataset'], references: { 'load-dataset.datasetName': ['data.dataset'] } }
    },
    {
      action: 'Draw a bar chart of this table.',
      data: { tableId: 'T-88' },
      expected: {
        services: ['draw-chart'],
        references: { 'draw-chart.tableId': ['data.tableId'], 'draw-chart.kind': [{ constant: 'bar' }] }
      }
    },
    {
      action: 'Load the data set and compute the statistics of the column.',
      data: { datasetName: 'rainfall', column: 'millimetres' },
      expected: {
        services: ['load-dataset', 'compute-statistics'],
        references: {
          'load-dataset.datasetName': ['data.datasetName'],
          'compute-statistics.tableId': ['load-dataset.tableId'],
          'compute-statistics.column': ['data.column']
        }
      }
    },
    {
      action: 'Load the data set energy-use and clean it.',
      data: {},
      expected: {
        services: ['load-dataset', 'clean-table'],
        references: { 'load-dataset.datasetName': [{ constant: 'energy-use' }], 'clean-table.tableId': ['load-dataset.tableId'] }
      }
    },
    {
      action: 'Forecast the column of this data set and draw the forecast as a line chart.',
      data: { datasetName: 'visitors', column: 'count', periods: 12 },
      expected: {
        services: ['load-dataset', 'forecast', 'draw-chart'],
        optional: ['clean-table'],
        references: {
          'load-dataset.datasetName': ['data.datasetName'],
          'forecast.tableId': ['load-dataset.tableId', 'clean-table.cleanTableId'],
          'forecast.column': ['data.column'],
          'forecast.periods': ['data.periods'],
          'draw-chart.tableId': ['forecast.forecastTableId'],
          'draw-chart.kind': [{ constant: 'line' }]
        }
      }
    },
    {
      action: 'Load both data sets and join them on the column.',
      data: { firstDataset: 'orders', secondDataset: 'customers', keyColumn: 'customer_id' },
      expected: {
        services: ['load-dataset', 'load-dataset', 'join-tables'],
        references: [
          ['load-dataset.datasetName', ['data.firstDataset']],
          ['load-dataset.datasetName', ['data.secondDataset']],
          ['join-tables.leftTableId', ['load-dataset.tableId']],
          ['join-tables.rightTableId', ['load-dataset.tableId']],
          ['join-tables.keyColumn', ['data.keyColumn']]
        ],
        apart: [['join-tables.leftTableId', 'join-tables.rightTableId']]
      }
    },
    {
      action: 'Clean the data set, then compute statistics of the column and look for its outliers in the cleaned table.',
      data: { datasetName: 'sensor-log', column: 'temperature' },
      expected: {
        services: ['load-dataset', 'clean-table', 'compute-statistics', 'find-outliers'],
        references: {
          'load-dataset.datasetName': ['data.datasetName'],
          'clean-table.tableId': ['load-dataset.tableId'],
          'compute-statistics.tableId': ['clean-table.cleanTableId'],
          'compute-statistics.column': ['data.column'],
          'find-outliers.tableId': ['clean-table.cleanTableId'],
          'find-outliers.column': ['data.column']
        }
      }
    },
    {
      action: 'Make a report with this title that has a scatter chart of the outliers in the column of the data set.',
      data: { title: 'Odd readings', datasetName: 'pressure', column: 'bar' },
      expected: {
        services: ['load-dataset', 'find-outliers', 'draw-chart', 'write-report'],
        optional: ['clean-table'],
        references: {
          'load-dataset.datasetName': ['data.datasetName'],
          'find-outliers.tableId': ['load-dataset.tableId', 'clean-table.cleanTableId'],
          'find-outliers.column': ['data.column'],
          'draw-chart.tableId': ['find-outliers.outlierTableId'],
          'draw-chart.kind': [{ constant: 'scatter' }],
          'write-report.title': ['data.title'],
          'write-report.chartUrl': ['draw-chart.chartUrl']
        }
      }
    },
    { action: 'Call my dentist and move the appointment.', data: { day: 'Thursday' }, expected: 'impossible' }
  ]
}
