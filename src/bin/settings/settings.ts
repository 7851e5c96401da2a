import { limitTable, redisTable, visitorTable } from './brokerSettings.ts';
import { genesysTable } from './genesysSettings.ts';
import { serverTable } from './serverSettings.ts';
import type { ValuesOf } from './setting.ts';

/** Of `serve` alone. */
export const serveTable = { ...serverTable, ...visitorTable, ...limitTable, ...redisTable };

export const allTables = { ...genesysTable, ...serveTable };

export type GenesysSettings = ValuesOf<typeof genesysTable>;
export type ServeSettings = ValuesOf<typeof serveTable>;
