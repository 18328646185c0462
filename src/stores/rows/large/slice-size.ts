/** Maximum characters of rows with large bodies that one turn of the event loop parses (rule 15). */
export const maxSliceCharacters = 250_000
