/** Whose number a message came to: made in SQL by the same rule (workspaces.ts). */
export interface BusinessNumber {
  wabaId: string;
  phoneNumberId: string;
  displayPhone: string;
}

export function numberOf(workspace: number): BusinessNumber {
  return {
    wabaId: `2091${String(workspace).padStart(11, "0")}`,
    phoneNumberId: `3188${String(workspace).padStart(11, "0")}`,
    displayPhone: `91555${String(workspace).padStart(7, "0")}`,
  };
}

export interface Person {
  workspace: number;
  bsuid: string;
  phone: string;
  name: string;
}

const FIRST = ["Meera", "Arjun", "Lata", "Vikram", "Asha", "Rohan", "Kavya", "Imran", "Divya", "Sanjay"];
const LAST = ["Iyengar", "Deshmukh", "Khan", "Nair", "Patel", "Reddy", "Singh", "Bose", "Joshi", "Menon"];

/** The customer of that index; indexes count over all workspaces, so each is somebody else. */
export function personOf(workspace: number, index: number): Person {
  return {
    workspace,
    bsuid: `IN.44${String(index).padStart(14, "0")}`,
    phone: `917${String(index).padStart(9, "0")}`,
    name: `${FIRST[index % FIRST.length]} ${LAST[Math.floor(index / FIRST.length) % LAST.length]}`,
  };
}
