import { type Catalogue, choice, date, flag, integer, number, service, text } from './catalogue.ts'

export const travel: Catalogue = {
  name: 'travel',
  services: [
    service('search-flights', 'Finds the cheapest flight between two cities on a day.', {
      takes: { fromCity: text(), toCity: text(), date: date('Day of departure') },
      gives: { flightId: text(), price: number(), currency: text('Of the price, such as EUR'), departs: text(), airline: text() }
    }),
    service('book-flight', 'Books a flight for one passenger.', {
      takes: { flightId: text(), passengerName: text() },
      gives: { bookingReference: text() },
      revertible: true
    }),
    service('search-hotels', 'Finds the best hotel in a city.', {
      takes: { city: text(), arrival: date(), nights: integer('How many nights', { minimum: 1 }) },
      mayTake: { stars: integer('At least so many', { minimum: 1, maximum: 5 }) },
      gives: { hotelId: text(), hotelName: text(), hotelAddress: text() }
    }),
    service('book-hotel', 'Books a room in a hotel.', {
      takes: { hotelId: text(), guestName: text(), nights: integer('How many nights', { minimum: 1 }) },
      gives: { confirmation: text() },
      revertible: true
    }),
    service('get-weather', 'Weather forecast of a city for a day.', {
      takes: { city: text(), date: date() },
      gives: { summary: text(), highCelsius: number(), lowCelsius: number() }
    }),
    service('rent-car', 'Rents a car in a city.', {
      takes: { city: text(), pickUpDate: date(), days: integer('How many days', { minimum: 1 }), size: choice('small', 'compact', 'large', 'van') },
      gives: { rentalId: text(), pricePerDay: number() },
      revertible: true
    }),
    service('convert-currency', 'Converts an amount of money into another currency.', {
      takes: { amount: number(), fromCurrency: text('Such as EUR'), toCurrency: text('Such as USD') },
      gives: { convertedAmount: number(), rate: number() }
    }),
    service('check-visa', 'Says whether a traveller needs a visa for a country.', {
      takes: { nationality: text(), country: text('Where the journey goes') },
      gives: { visaRequired: flag(), information: text() }
    })
  ],
  actions: [
    {
      action: 'What will the weather be like there?',
      data: { city: 'Lisbon', date: '2026-05-14' },
      expected: { services: ['get-weather'], references: { 'get-weather.city': ['data.city'], 'get-weather.date': ['data.date'] } }
    },
    {
      action: 'Find a flight from Oslo to Lisbon on 2026-05-14.',
      data: {},
      expected: {
        services: ['search-flights'],
        references: {
          'search-flights.fromCity': [{ constant: 'Oslo' }],
          'search-flights.toCity': [{ constant: 'Lisbon' }],
          'search-flights.date': [{ constant: '2026-05-14' }]
        }
      }
    },
    {
      action: 'Book the cheapest flight for the traveller.',
      data: { origin: 'Vienna', destination: 'Dublin', travelDate: '2026-06-01', travellerName: 'Alan Turing' },
      expected: {
        services: ['search-flights', 'book-flight'],
        references: {
          'search-flights.fromCity': ['data.origin'],
          'search-flights.toCity': ['data.destination'],
          'search-flights.date': ['data.travelDate'],
          'book-flight.flightId': ['search-flights.flightId'],
          'book-flight.passengerName': ['data.travellerName']
        }
      }
    },
    {
      action: 'Find a good hotel and book it for the guest.',
      data: { city: 'Prague', arrival: '2026-07-03', nights: 4, guest: 'Mary Shelley' },
      expected: {
        services: ['search-hotels', 'book-hotel'],
        references: {
          'search-hotels.city': ['data.city'],
          'search-hotels.arrival': ['data.arrival'],
          'search-hotels.nights': ['data.nights'],
          'book-hotel.hotelId': ['search-hotels.hotelId'],
          'book-hotel.guestName': ['data.guest'],
          'book-hotel.nights': ['data.nights']
        }
      }
    },
    {
      action: 'Book a flight and a hotel at the destination for this journey.',
      data: { origin: 'Hamburg', destination: 'Rome', date: '2026-09-12', nights: 3, traveller: 'Emmy Noether' },
      expected: {
        services: ['search-flights', 'book-flight', 'search-hotels', 'book-hotel'],
        references: {
          'search-flights.fromCity': ['data.origin'],
          'search-flights.toCity': ['data.destination'],
          'search-flights.date': ['data.date'],
          'book-flight.flightId': ['search-flights.flightId'],
          'book-flight.passengerName': ['data.traveller'],
          'search-hotels.city': ['data.destination'],
          'search-hotels.arrival': ['data.date'],
          'search-hotels.nights': ['data.nights'],
          'book-hotel.hotelId': ['search-hotels.hotelId'],
          'book-hotel.guestName': ['data.traveller'],
          'book-hotel.nights': ['data.nights']
        }
      }
    },
    {
      action: 'What does the flight cost in USD?',
      data: { fromCity: 'Warsaw', toCity: 'Boston', date: '2026-10-20' },
      expected: {
        services: ['search-flights', 'convert-currency'],
        references: {
          'search-flights.fromCity': ['data.fromCity'],
          'search-flights.toCity': ['data.toCity'],
          'search-flights.date': ['data.date'],
          'convert-currency.amount': ['search-flights.price'],
          'convert-currency.fromCurrency': ['search-flights.currency'],
          'convert-currency.toCurrency': [{ constant: 'USD' }]
        }
      }
    },
    {
      action: 'Compare the weather in both cities on that day.',
      data: { firstCity: 'Nice', secondCity: 'Split', day: '2026-08-08' },
      expected: {
        services: ['get-weather', 'get-weather'],
        references: [
          ['get-weather.city', ['data.firstCity']],
          ['get-weather.city', ['data.secondCity']],
          ['get-weather.date', ['data.day']]
        ]
      }
    },
    {
      action: 'Say whether the traveller needs a visa, and rent a van in the city.',
      data: { nationality: 'Brazilian', country: 'Japan', city: 'Osaka', pickUpDate: '2026-04-02', days: 6 },
      expected: {
        services: ['check-visa', 'rent-car'],
        references: {
          'check-visa.nationality': ['data.nationality'],
          'check-visa.country': ['data.country'],
          'rent-car.city': ['data.city'],
          'rent-car.pickUpDate': ['data.pickUpDate'],
          'rent-car.days': ['data.days'],
          'rent-car.size': [{ constant: 'van' }]
        }
      }
    },
    { action: 'Repair the flat tyre of my bicycle.', data: { street: 'Harbour Road' }, expected: 'impossible' }
  ]
}
