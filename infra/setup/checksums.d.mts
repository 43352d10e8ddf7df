/** File name -> SHA-256, lower-case hex. */
export type Checksums = Readonly<Record<string, string>>

/** @throws SetupProblem naming the first file that is wrong, missing or not recorded */
export function verifyFolder(folder: string, expected: Checksums): Promise<void>
/** Cheap when sizes and times are those of the last full verification. */
export function verifyUnlessStamped(folder: string, expected: Checksums): Promise<void>

/** SHA-256 of a file, lower-case hex. */
export function sha256(file: string): Promise<string>
