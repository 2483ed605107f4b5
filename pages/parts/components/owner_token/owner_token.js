// Keeps the visitor's token in a cookie of this server, so that a reload, or the browser of tomorrow, has it again.

const YEAR = 31536000; // s; begins anew with every visit

export default ({ data, setStateValue }) => {
  const found = new RegExp(`(?:^|; )${data.cookie}=([0-9a-f]{32})(?:;|$)`).exec(document.cookie)?.[1];
  const token = found ?? data.token;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${data.cookie}=${token}; Max-Age=${YEAR}; Path=/; SameSite=Strict${secure}`;
  if (token !== data.token) setStateValue("token", token); // another tab of this browser was first
};
