/** Forms of tools that a provider refuses in a request. One tool that breaks a rule fails the whole request. */
export interface ToolRules {
  /** Maximum number of tools of one request. Default: no limit. */
  readonly mostTools?: number
  /** Maximum characters of a description. Default 16 384. */
  readonly longestDescription?: number
  /**
   * If true, the root of a schema must be a plain object: without `oneOf`, `anyOf`, `allOf`, `enum`, `const` and
   * `not`.
   */
  readonly plainRoot?: boolean
  /** If true, the schema of an array must have `items`. */
  readonly itemsRequired?: boolean
  /** Names that the properties of the root may have. Default: any. */
  readonly propertyNames?: RegExp
}
