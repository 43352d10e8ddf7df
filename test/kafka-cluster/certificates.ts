import { randomBytes, webcrypto } from 'node:crypto'
// x509 asks for it when it is loaded.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const HOUR_MS = 3_600_000
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

x509.cryptoProvider.set(webcrypto as unknown as Crypto)

/** PEM texts. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

/** A certificate authority of one test run: nothing of it is written down. */
export class CertificateAuthority {
  /** PEM */
  readonly certificate: string
  readonly #name: string
  readonly #keys: webcrypto.CryptoKeyPair

  static async create(name: string): Promise<CertificateAuthority> {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...common(),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    return new CertificateAuthority(name, certificate.toString('pem'), keys)
  }

  private constructor(name: string, certificate: string, keys: webcrypto.CryptoKeyPair) {
    this.#name = name
    this.certificate = certificate
    this.#keys = keys
  }

  /** For servers on loopback and for clients. */
  async issue(
    name: string,
    options: { address?: string; expired?: boolean } = {},
  ): Promise<Identity> {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.create({
      ...common(options.expired ? -2 * HOUR_MS : 0),
      subject: `CN=${name}`,
      issuer: `CN=${this.#name}`,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'ip', value: options.address ?? '127.0.0.1' },
        ]),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    })
    const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
    return {
      certificate: certificate.toString('pem'),
      key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
    }
  }
}

/** Valid for an hour, and an hour back for clocks that differ. */
function common(shiftMs = 0) {
  const now = Date.now() + shiftMs
  return {
    serialNumber: randomBytes(8).toString('hex'),
    notBefore: new Date(now - HOUR_MS),
    notAfter: new Date(now + HOUR_MS),
  }
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  return keys as unknown as webcrypto.CryptoKeyPair
}
