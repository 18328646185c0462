/** Characters of rows with large bodies that one turn of the event loop parses at most (rule 15). */
export const maxSliceCharacters = 250_000
