import { describe, expect, it } from 'vitest';
import { messageOf } from '../../history/message-of.ts';

const openssl = (reason: string): string =>
  `803C65BFEB7F0000:error:0A00010B:SSL routines:ssl3_get_record:${reason}:../ssl3_record.c:350:\n`;

describe('what a thrown value says', () => {
  it.each([openssl('wrong version number'), `write EPROTO ${openssl('packet length too long')}`])(
    'is advice where no TLS was answered with',
    (text) => {
      expect(messageOf(new Error(text))).toBe(
        'there is no TLS at the address; try http:// (a socket: ws://)',
      );
    },
  );

  it('is of OpenSSL the reason alone', () => {
    expect(messageOf(new Error(openssl('sslv3 alert handshake failure')))).toBe(
      'TLS failed: sslv3 alert handshake failure',
    );
  });

  it('is with what a private authority becomes known', () => {
    const code = 'DEPTH_ZERO_SELF_SIGNED_CERT';
    expect(messageOf(Object.assign(new Error('self-signed certificate'), { code }))).toBe(
      'self-signed certificate: name the certificate of its authority in NODE_EXTRA_CA_CERTS',
    );
  });

  it('is its code where there is no message, and the value where it is no error', () => {
    expect(messageOf(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
    expect(messageOf(new RangeError(''))).toBe('RangeError');
    expect(messageOf('thrown')).toBe('thrown');
  });
});
