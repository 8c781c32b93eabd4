"""e5 arrays -> ONNX encoder. Weights of the layers int8 (dynamic quantisation), word table int8 with a scale per row."""
import sys, numpy as np, onnx
from onnx import helper as h, numpy_helper as nh, TensorProto as T
import e5file
def build(path='e5-fp32.onnx', layers_out=(), gelu='erf'):
    cfg,_,_,_,W=e5file.load(); H,NH,FF,NL,eps=cfg['H'],cfg['NH'],cfg['FF'],cfg['NL'],cfg['eps']; D=H//NH
    inits=[];nodes=[]
    def c(name,a): inits.append(nh.from_array(np.ascontiguousarray(a),name)); return name
    cnt=[0]
    def op(t,*ins,**kw):
        cnt[0]+=1; o=kw.pop('out',None) or f'{t}_{cnt[0]}'; nodes.append(h.make_node(t,list(ins),[o],name=f'n{cnt[0]}_{t}',**kw)); return o
    word=e5file.mat(W,'emb.word',cfg['VOC'],H)
    s=np.abs(word).max(1,keepdims=True)/127; s[s==0]=1
    c('word_q',np.rint(word/s).astype(np.int8)); c('word_s',s.astype(np.float16))
    c('pos',W['emb.pos'].reshape(-1,H)+W['emb.type'].reshape(-1,H)[0]); 
    x=op('Mul',op('Cast',op('Gather','word_q','input_ids'),to=T.FLOAT),op('Cast',op('Gather','word_s','input_ids'),to=T.FLOAT))
    c('i0',np.array([0],np.int64));c('i1',np.array([1],np.int64)); c('ax1',np.array([1],np.int64))
    shp=op('Shape','input_ids'); tlen=op('Gather',shp,'i1')
    x=op('Add',x,op('Slice','pos','i0',tlen,'i0'))
    def ln(x,p): return op('LayerNormalization',x,c(p+'.w',W[p+'.w']),c(p+'.b',W[p+'.b']),axis=-1,epsilon=eps)
    x=ln(x,'emb.ln')
    mf=op('Cast','attention_mask',to=T.FLOAT)
    c('one',np.float32(1)); c('neg',np.float32(-1e4)); c('ax12',np.array([1,2],np.int64)); c('axm',np.array([2],np.int64))
    bias=op('Mul',op('Sub','one',op('Unsqueeze',mf,'ax12')),'neg')
    c('hs',np.array([0,0,NH,D],np.int64)); c('fs',np.array([0,0,H],np.int64)); 
    m3=op('Unsqueeze',mf,'axm'); den=op('ReduceSum',mf,'ax1',keepdims=1)
    outs=[]
    for l in range(NL):
        P=f'l{l}.'
        w=np.concatenate([e5file.mat(W,P+k,H,H).T/(np.sqrt(D) if k=='q.w' else 1) for k in('q.w','k.w','v.w')],1).astype(np.float32)
        b=np.concatenate([W[P+'q.b']/np.sqrt(D),W[P+'k.b'],W[P+'v.b']]).astype(np.float32)
        qkv=op('Add',op('MatMul',x,c(P+'qkv.w',w)),c(P+'qkv.b',b))
        cnt[0]+=1; q,k,v=[f'{P}s{i}' for i in 'qkv']; c(P+'sp',np.array([H,H,H],np.int64))
        nodes.append(h.make_node('Split',[qkv,P+'sp'],[q,k,v],axis=-1))
        q=op('Transpose',op('Reshape',q,'hs'),perm=[0,2,1,3]); k=op('Transpose',op('Reshape',k,'hs'),perm=[0,2,3,1]); v=op('Transpose',op('Reshape',v,'hs'),perm=[0,2,1,3])
        a=op('Softmax',op('Add',op('MatMul',q,k),bias),axis=-1)
        a=op('Reshape',op('Transpose',op('MatMul',a,v),perm=[0,2,1,3]),'fs')
        a=op('Add',op('MatMul',a,c(P+'ao.w',e5file.mat(W,P+'ao.w',H,H).T)),c(P+'ao.b',W[P+'ao.b']))
        x=ln(op('Add',x,a),P+'aln')
        f=op('Add',op('MatMul',x,c(P+'fi.w',e5file.mat(W,P+'fi.w',FF,H).T)),c(P+'fi.b',W[P+'fi.b']))
        f=op('Gelu',f)
        f=op('Add',op('MatMul',f,c(P+'fo.w',e5file.mat(W,P+'fo.w',H,FF).T)),c(P+'fo.b',W[P+'fo.b']))
        last=l==NL-1
        x=ln(op('Add',x,f),P+'oln')
        if l+1 in layers_out or last:
            o=op('Div',op('ReduceSum',op('Mul',x,m3),'ax1',keepdims=0),den,out=f'mean_{l+1}'); outs.append(h.make_tensor_value_info(o,T.FLOAT,['batch',H]))
    op('Identity',x,out='last_hidden_state'); outs.append(h.make_tensor_value_info('last_hidden_state',T.FLOAT,['batch','sequence',H]))
    g=h.make_graph(nodes,'e5',[h.make_tensor_value_info(n,T.INT64,['batch','sequence']) for n in('input_ids','attention_mask')],outs,inits)
    m=h.make_model(g,opset_imports=[h.make_opsetid('',20)],ir_version=9); onnx.checker.check_model(m); onnx.save(m,path)
if __name__=='__main__':
    build('e5-fp32.onnx',(3,6,8,10))
    from onnxruntime.quantization import quantize_dynamic, QuantType
    quantize_dynamic('e5-fp32.onnx','e5-int8.onnx',per_channel=True,weight_type=QuantType.QInt8,op_types_to_quantize=['MatMul'],extra_options={'MatMulConstBOnly':True})
    quantize_dynamic('e5-fp32.onnx','e5-int8-pt.onnx',per_channel=False,weight_type=QuantType.QInt8,op_types_to_quantize=['MatMul'],extra_options={'MatMulConstBOnly':True})
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    m=MatMulNBitsQuantizer(onnx.load('e5-fp32.onnx'),block_size=32,is_symmetric=True,accuracy_level=4); m.process(); m.model.save_model_to_file('e5-q4.onnx')
