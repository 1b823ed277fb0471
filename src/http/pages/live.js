(()=>{
const every=30000;
let busy=false,last=Date.now();
const page=()=>document.getElementById("page");
const key=(el)=>el.id?"#"+el.id:el.getAttribute("href");
const note=(text)=>{const at=document.getElementById("live");if(at)at.textContent=text};
const swap=(fresh)=>{
  const old=page(),open=new Set([...old.querySelectorAll("details[open]")].map((el)=>el.id));
  const sides=new Map([...old.querySelectorAll(".scroll")].map((el)=>[el.id,el.scrollLeft]));
  const held=old.contains(document.activeElement)?document.activeElement:null;
  const name=held&&(held.tagName==="SUMMARY"?"#"+held.parentElement.id:key(held));
  const before=document.getElementById("verdict"),said=before&&before.textContent;
  const x=scrollX,y=scrollY;
  old.replaceWith(fresh);
  for(const el of fresh.querySelectorAll("details"))if(open.has(el.id))el.open=true;
  for(const el of fresh.querySelectorAll(".scroll"))el.scrollLeft=sides.get(el.id)||0;
  if(name){
    let to=name[0]==="#"?document.getElementById(name.slice(1)):[...fresh.querySelectorAll("a")].find((el)=>el.getAttribute("href")===name);
    if(to&&to.tagName==="DETAILS")to=to.querySelector("summary");
    if(to)to.focus({preventScroll:true});
  }
  scrollTo({left:x,top:y,behavior:"instant"});
  const after=document.getElementById("verdict");
  if(after&&said!==after.textContent)note(after.textContent);
};
const look=async()=>{
  if(busy||document.hidden||!getSelection().isCollapsed)return;
  busy=true;
  try{
    const answer=await fetch(location.href,{cache:"no-store",credentials:"same-origin",headers:{"X-Nexora-Refresh":"1"}});
    if(!answer.ok)throw new Error();
    const fresh=new DOMParser().parseFromString(await answer.text(),"text/html").getElementById("page");
    // Whoever is no longer signed in is shown so, and what they saw goes.
    if(!fresh){location.reload();return}
    swap(document.adoptNode(fresh));
    last=Date.now();
    document.body.classList.remove("stale");
  }catch{
    document.body.classList.add("stale");
    note("This page could not be brought up to date.");
  }finally{busy=false}
};
setInterval(look,every);
document.addEventListener("visibilitychange",()=>{if(!document.hidden&&Date.now()-last>every)look()});
// A printed page bears its address, and with it whatever opens it.
const address=location.href;
addEventListener("beforeprint",()=>history.replaceState(null,"",location.pathname));
addEventListener("afterprint",()=>history.replaceState(null,"",address));
})();
