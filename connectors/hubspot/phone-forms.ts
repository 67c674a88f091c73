import { canonicalPhone } from "#core/domain/identity/phone.ts";

/**
 * The ways in which a CRM may hold a number that WhatsApp writes as `phone`: canonical first, then with Brazil's ninth
 * digit, Mexico's 1, Argentina's 9. Digits only.
 */
export function phoneForms(phone: string): string[] {
  const canonical = canonicalPhone(phone);
  const dialled = /^55(\d{2})([6-9]\d{7})$/.exec(canonical);
  const mobile = /^(52|54)(\d{10})$/.exec(canonical);
  return [
    ...new Set([
      canonical,
      ...(dialled ? [`55${dialled[1]}9${dialled[2]}`] : []),
      ...(mobile ? [`${mobile[1]}${mobile[1] === "52" ? "1" : "9"}${mobile[2]}`] : []),
      phone.replace(/\D/g, ""),
    ]),
  ];
}

/** ITU E.164: zones 1 and 7 have one digit, these have two, all others three. A library for this alone would be 150 KB or more. */
const TWO_DIGITS = /^(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** What is left without the country code: HubSpot's calculated phone properties hold exactly this. */
export function nationalNumber(digits: string): string {
  if (/^[17]/.test(digits)) return digits.slice(1);
  return digits.slice(TWO_DIGITS.test(digits) ? 2 : 3);
}
