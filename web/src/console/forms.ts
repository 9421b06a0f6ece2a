/** What can be open beneath a question or over it; one at a time in a console. */
export type Form = "answer" | "decline" | "merge" | "notes" | "handover";

export interface OpenForm {
  id: number;
  form: Form;
}
