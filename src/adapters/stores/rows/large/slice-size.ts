/**
 * Maximum characters of rows with large bodies that one turn of the event loop parses (rule 15). JSON with thousands of
 * different member names takes up to 4 ms.
 */
export const maxSliceCharacters = 100_000
